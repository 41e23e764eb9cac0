"""From a picture of a digit to 28x28 pixels, and to an answer."""

import numpy as np
from jaxtyping import Bool, Float, UInt8

Grey = UInt8[np.ndarray, "height width"]
Mask = Bool[np.ndarray, "height width"]
Plane = Float[np.ndarray, "height width"]
