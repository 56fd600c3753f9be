"""Ways to do the whole job: in one call, in several processes, with as little encoding as possible."""

from .copying import render_copying
from .jobs import analyse_in_jobs, render_in_jobs
from .whole import blur, plan_and_render

__all__ = ["analyse_in_jobs", "blur", "plan_and_render", "render_copying", "render_in_jobs"]
