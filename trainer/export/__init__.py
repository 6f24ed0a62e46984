"""A Keras model in, a verified int8 .tflite bundle out."""
