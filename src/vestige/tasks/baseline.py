"""The baseline of every results table: logistic regression on what a sequence is without its order in time."""

from .base import DataError, Task


def logistic_regression(task: Task, strength: float = 1.0) -> float:
    """Test accuracy of L2-regularised logistic regression on standardised summaries; `strength` is scikit-learn's C."""
    try:
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler
        from threadpoolctl import threadpool_limits
    except ModuleNotFoundError as e:
        raise DataError("the baseline needs scikit-learn: pip install 'vestige[data]'") from e
    model = make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=3000))
    with threadpool_limits(1):  # on a busy machine several threads wait for one another most of the time
        model.fit(task.train.summary, task.train.y)
        return float(model.score(task.test.summary, task.test.y))
