"""From a picture of a digit to 28x28 pixels, and to an answer."""
