"""The django-tasks backend that writes each task down instead of running it."""

from typing import Any

from django.apps import apps
from django_tasks import TaskResult, TaskResultStatus
from django_tasks.backends.immediate import ImmediateBackend
from django_tasks.base import Task
from django_tasks.signals import task_enqueued


class ChoreBackend(ImmediateBackend):
    """Write tasks into the database, in the caller's transaction: with it they are there, or are not.

    Its option `at_once` names tasks that run in the caller's process as before.
    """

    supports_async_task = False
    supports_defer = True

    def __init__(self, alias: str, params: dict[str, Any]) -> None:
        super().__init__(alias, params)
        self._at_once = frozenset(self.options.get("at_once", ()))

    def enqueue(self, task: Task[..., Any], args: Any, kwargs: Any) -> TaskResult[Any]:
        """Write a call down, or make it where it is one of those that are made at once."""
        if task.module_path in self._at_once:
            return super().enqueue(task, args, kwargs)
        self.validate_task(task)
        # Tasks are declared, and so this module is loaded, before any model is.
        chore = apps.get_model("healthsite", "Chore").objects.write(
            task=task.module_path, args=args, kwargs=kwargs, not_before=task.run_after
        )
        result: TaskResult[Any] = TaskResult(
            task=task,
            id=str(chore.pk),
            status=TaskResultStatus.READY,
            enqueued_at=chore.queued_at,
            started_at=None,
            last_attempted_at=None,
            finished_at=None,
            args=list(args),
            kwargs=dict(kwargs),
            backend=self.alias,
            errors=[],
            worker_ids=[],
        )
        task_enqueued.send(type(self), task_result=result)
        return result
