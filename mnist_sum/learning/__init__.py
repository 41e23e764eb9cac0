"""How such a network is trained. Read it in this order.

1. `recipe` (one folder up): what there is to choose.
2. `batch`, `augment`: which images a step sees, with which numbers, how distorted.
3. `model`, then `layers` and `convolution`: the network, and what makes it fast on a processor.
4. `loss`: losses of single examples, and their totals.
5. `state`, `train`: what a step takes and gives back; a step; an epoch of them in one call.
6. `evaluate`, `predict`: what the network is worth, and what it answers.
"""
