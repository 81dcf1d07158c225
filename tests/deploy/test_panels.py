"""Who answers a query of the dashboards, and what an empty answer means while programs are killed."""

from tests.deploy.panels import DOWN, EMPTY, Panels, programs_of, questions

ANY_LAG = 'sum by (group) (argosy_consumer_lag_messages{job=~".*"})'
LAG = 'sum by (group) (argosy_consumer_lag_messages{job="argosy-sink-alerts"})'


class Answers(Panels):
    """Panels of a Prometheus that sees some programs serve, and has no answer to one query."""

    def __init__(self, question: str, serving: set[str]) -> None:
        programs = {name: {name} for name in ("worker", "sink-alerts")}
        super().__init__(0, lambda: programs, [question])
        self._seen = serving

    def _serving(self) -> set[str]:
        return self._seen

    def _series(self, question: str) -> list[dict[str, object]] | None:
        assert question in self.asked
        return []


def test_a_query_that_names_a_job_asks_that_program_alone() -> None:
    assert LAG in questions()
    assert programs_of(LAG) == {"sink-alerts"}
    assert {"worker", "sink-alerts"} < programs_of(ANY_LAG)


def test_an_empty_answer_is_wrong_only_while_whoever_is_asked_serves() -> None:
    asked = {
        (LAG, "worker"): DOWN,
        (LAG, "sink-alerts"): EMPTY,
        (ANY_LAG, "worker"): EMPTY,
    }
    for (question, program), verdict in asked.items():
        panels = Answers(question, {program})
        assert panels.ask() == {verdict: 1}
        assert panels.wrong.total() == (verdict == EMPTY)
