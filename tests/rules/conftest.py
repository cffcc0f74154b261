"""Laws over random sizes have no deadline: the first call of torch on meta takes a second."""

from hypothesis import settings

settings.register_profile("meta", deadline=None)
settings.load_profile("meta")
