"""What the stages share: geometry, sampling, exact arithmetic, noise and the black frame. It knows no stage."""
