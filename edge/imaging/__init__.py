"""What the stages share: the geometry, the arithmetic and the statistics of pictures; knows no stage."""
