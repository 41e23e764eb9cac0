"""The environment: every fact has a value."""

import jax

from experiments.system.environment import describe_environment


def test_device_and_versions_are_named():
    facts = describe_environment(jax.local_devices())
    assert facts["device"].startswith(f"{jax.local_device_count()} x cpu, ")
    assert facts["jax"] == jax.__version__
    assert "memory" not in facts  # a processor has none of its own
    assert all(facts.values())
