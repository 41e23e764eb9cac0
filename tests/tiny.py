"""The one small configuration that tests share, so that its step is compiled once for all."""

from mnist_sum.recipe import Recipe

EXAMPLES = 48  # three whole batches; a shorter last one would double the time to compile
RECIPE = Recipe(batch_size=16, learning_rate=0.05, dropout_rate=0.0)
