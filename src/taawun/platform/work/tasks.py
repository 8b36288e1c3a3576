"""The one task of the queue: run a job."""

from django_tasks import task

from taawun.platform.work import actions


@task()
def run_job(job_id: str) -> None:
    """Run the job with this id."""
    actions.run(job_id)
