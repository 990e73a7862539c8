"""Settings that hold for every test; fixtures live beside the tests that use them."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# A busy machine is no reason to fail: bounds on time are pytest-timeout's business.
settings.register_profile(
    "hydria", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("hydria")
