"""What the trainer's tests share."""

from trainer_pictures import tree as tree  # a fixture
