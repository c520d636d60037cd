"""What all tests share: property tests that judge results, never the speed of a busy machine."""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "aks-access", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.load_profile("aks-access")
