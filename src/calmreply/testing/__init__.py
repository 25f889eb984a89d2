"""Models without a model, for tests of code that uses calmreply: one that follows a script, and bad ones."""

from calmreply.testing.bad_models import BAD_MODELS, BadModel, PlanFollower
from calmreply.testing.scripted import AsyncScriptedModel, ScriptedModel

__all__ = ["BAD_MODELS", "AsyncScriptedModel", "BadModel", "PlanFollower", "ScriptedModel"]
