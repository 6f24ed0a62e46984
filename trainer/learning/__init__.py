"""`Examples` in, a Keras model out: networks, fitting, calibration, and model files."""
