"""How such a network is trained. Read it in this order.

1. `mnist_sum/recipe.py`: what there is to choose.
2. `batch`, `augment`: which images a step sees, with which numbers, how distorted.
3. `model`, then `layers` and `convolution`: the network, and what makes it fast on a processor.
4. `loss`, `state`: what is minimised, and what a step changes.
5. `step`, `epoch`: one step of training, and all of an epoch in one call.
6. `network`, `evaluate`, `predict`: what a trained network is worth.

`sharding` splits batches over devices.
"""
