"""Settings of JAX: whatever decides the bits is noted, and a change of it is named."""

import jax

from experiments.system.settings import current_settings, list_changes

DEFAULTS = {
    "jax_default_prng_impl": "threefry2x32",
    "jax_threefry_partitionable": True,
    "jax_random_seed_offset": 0,
    "jax_enable_x64": False,
}


class Accelerator:
    """What has no processor's platform."""

    platform = "gpu"


def test_the_settings_are_those_of_jax():
    assert current_settings(jax.devices()[0]) == DEFAULTS


def test_only_an_accelerator_multiplies_with_another_precision():
    with jax.default_matmul_precision("highest"):
        assert current_settings(jax.devices()[0]) == DEFAULTS
        expected = DEFAULTS | {"jax_default_matmul_precision": "highest"}
        assert current_settings(Accelerator()) == expected


def test_changes_are_named_as_environment_variables():
    other = DEFAULTS | {"jax_enable_x64": True, "jax_default_prng_impl": "rbg", "new": 1}
    assert list_changes(DEFAULTS, DEFAULTS) == list_changes({}, other) == ""
    assert list_changes(DEFAULTS, other) == (
        "JAX_DEFAULT_PRNG_IMPL was threefry2x32 and is rbg, JAX_ENABLE_X64 was False and is True"
    )
