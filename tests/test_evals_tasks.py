"""The tasks of the evals on a handful of cases, their report, and the page in a real browser."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from inspect_ai import eval as run_eval
from inspect_ai.model import GenerateConfig, ModelOutput

from calmreply.errors import InputError, ModelServerError
from calmreply.model import Message, ModelRequest
from calmreply.settings import Settings
from calmreply.testing import ScriptedModel
from evals import figures, report
from evals.__main__ import tasks_of
from evals.datasets import audit_samples, complaint_samples, reply_samples
from evals.tasks import audit, complaints, replies, rules
from evals.writers import InspectModel, opened_writer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from inspect_ai import Task
    from inspect_ai.log import EvalLog
    from playwright.sync_api import Page

EVALS = Path(report.__file__).parent
SAMPLE = EVALS / "audit" / "sample.jsonl"
RULE_CASES = 10
HOSTILE = "<script>document.title='owned'</script><img src=x onerror=alert(1)> \u202e evil \u200b"


def run(task: Task, folder: Path, **options: object) -> EvalLog:
    log = run_eval(task, log_dir=str(folder), display="none", **{"model": None, **options})[0]  # type: ignore[arg-type]
    assert log.status == "success", log.error
    return log


def figures_in(log: EvalLog) -> dict[str, dict[str, list[float]]]:
    found: dict[str, dict[str, list[float]]] = figures.figures_of(log)["figures"]
    return found


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Logs of every task that needs no model, a handful of cases each, one of them hostile."""
    folder = tmp_path_factory.mktemp("logs")
    rows = [json.loads(line) for line in SAMPLE.read_text("utf-8").splitlines()[:5]]
    rows[0]["review"]["text"] = HOSTILE
    (folder / "in.jsonl").write_text("\n".join(map(json.dumps, rows)), "utf-8")
    for task in (
        rules(language="en", limit=RULE_CASES),
        complaints(language="vi", limit=5),
        replies(language="en", n=5),
        audit(str(folder / "in.jsonl"), name="hostile"),
    ):
        run(task, folder)
    return folder


def test_every_task_leaves_a_log_with_figures(logs: Path) -> None:
    found = {block: figures.figures_of(log) for block, log in figures.read_logs(logs).items()}
    assert set(found) == {"rules-test", "complaints-own-test", "replies-templates-own", "audit-hostile"}
    assert [found[block]["samples"]["all"] for block in sorted(found)] == [5, 5, 5, RULE_CASES]
    assert found["replies-templates-own"]["figures"]["source/template/mean"]["language=en"] == [1.0, 5]
    assert found["audit-hostile"]["figures"]["publishable/mean"]["all"][1] == 5


def test_a_log_holds_the_drafts_the_violations_and_the_reply(tmp_path: Path) -> None:
    drafts = ["It was the courier's fault."] * 4
    log = run(replies(writer=ScriptedModel(drafts), language="en", n=2, labelled=True), tmp_path)
    stores = [sample.store for sample in log.samples or ()]
    tried = [store["reply"]["attempts"] for store in stores if store["reply"]["attempts"]]
    assert tried
    assert tried[0][0]["draft"] == drafts[0]
    assert "blame" in {one["rule"] for one in tried[0][0]["violations"]}
    assert figures_in(log)["first_draft/blame/mean"]["all"] == [0.0, len(tried)]
    assert figures_in(log)["broken/mean"]["all"][0] == 0.0


def test_rules_and_complaints_agree_with_the_working_tools(logs: Path) -> None:
    from evals.cases import reply_cases
    from evals.rules import count

    ids = {sample.id for sample in figures.read_logs(logs)["rules-test"].samples or ()}
    cases = [case for case in reply_cases("en") if case.id in ids]
    assert len(cases) == RULE_CASES
    counts = count(cases)
    hits = sum(value for (_, kind), value in counts.items() if kind == "hit")
    alarms = sum(value for (_, kind), value in counts.items() if kind == "alarm")
    measured = figures_in(figures.read_logs(logs)["rules-test"])["rules_found/precision/micro"]["all"][0]
    assert measured == pytest.approx(hits / (hits + alarms), abs=1e-4)


def test_an_audit_stops_at_a_bad_row_and_names_it(tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    path.write_text('{"text": "Late.", "reply": "Sorry."}\n{"text": "Late again."}\n', "utf-8")
    with pytest.raises(InputError, match=r"1 of 2 rows cannot be audited: row 2: no reply"):
        audit_samples(path)


def test_an_audit_without_a_policy_takes_any_offer_for_a_broken_promise(tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    path.write_text(
        '{"text": "The mug arrived broken.", "reply": "Sorry, we will refund you $50 today."}', "utf-8"
    )
    log = run(audit(str(path)), tmp_path)
    assert figures_in(log)["rules_kept/promise/mean"]["all"] == [0.0, 1]


def test_the_same_seed_draws_the_same_reviews() -> None:
    ids = [[one.id for one in reply_samples("vi", n=5, seed=seed)] for seed in (3, 3, 4)]
    assert ids[0] == ids[1] != ids[2]


def test_labelled_draws_leave_out_what_is_at_risk() -> None:
    drawn = reply_samples("en", n=10_000, labelled=True)
    assert all("at_risk" not in (one.metadata or {})["labels"]["signals"] for one in drawn)


def test_a_missing_data_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot read 'reviews_en.jsonl'"):
        complaint_samples("en", data=tmp_path)


def test_a_model_that_is_nowhere_is_asked_for() -> None:
    with pytest.raises(InputError, match=r"nothing says where that model is"):
        opened_writer("gpt-9")


class FakeProvider:
    """What `get_model` gives, with one answer."""

    def __init__(self, output: ModelOutput) -> None:
        self.output = output

    async def generate(self, messages: list[object], config: GenerateConfig) -> ModelOutput:
        assert [type(one).__name__ for one in messages] == ["ChatMessageSystem", "ChatMessageUser"]
        assert config.max_tokens == 9
        return self.output


REQUEST = ModelRequest(
    messages=(Message(role="system", content="Rules."), Message(role="user", content="Review.")), max_tokens=9
)


def test_any_model_of_inspect_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    output = ModelOutput.from_content("m", "We are", stop_reason="max_tokens")
    monkeypatch.setattr("inspect_ai.model.get_model", lambda: FakeProvider(output))
    answer = asyncio.run(InspectModel(Settings()).complete(REQUEST))
    assert (answer.text, answer.finish_reason, answer.requests) == ("We are", "length", 1)


def test_a_failure_of_inspects_model_is_one_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    output = ModelOutput.from_content("m", "", error="overloaded")
    monkeypatch.setattr("inspect_ai.model.get_model", lambda: FakeProvider(output))
    with pytest.raises(ModelServerError, match="the eval's model failed"):
        asyncio.run(InspectModel(Settings()).complete(REQUEST))


def test_a_folder_without_logs_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no finished log"):
        figures.read_logs(tmp_path)


def test_the_report_fills_its_blocks_and_leaves_the_prose(logs: Path, tmp_path: Path) -> None:
    results, readme = tmp_path / "RESULTS.md", tmp_path / "README.md"
    results.write_text(
        "# Results\n\nProse.\n<!-- begin rules-test -->\nold\n<!-- end rules-test -->\nMore.\n", "utf-8"
    )
    readme.write_text("Ours.\n<!-- begin figures -->\n<!-- end figures -->\n", "utf-8")
    known = tmp_path / "figures.json"
    kept = {"task": "replies", "date": "2026-01-01", "version": "", "samples": {"all": 1}, "figures": {}}
    figures.save_figures({"replies-embedded-real": kept}, known)
    options = ["--results", str(results), "--readme", str(readme), "--figures", str(known)]
    report.main([str(logs), *options])
    first = results.read_text("utf-8")
    assert first.startswith("# Results\n\nProse.\n<!-- begin rules-test -->\n`rules-test`")
    assert "old" not in first
    assert "`replies-embedded-real`, 2026-01-01; samples: 1" in first, "measured earlier, and kept"
    assert "| publishable at once |" in first
    assert "rules on the labelled" in readme.read_text("utf-8")
    report.main(options)
    assert results.read_text("utf-8") == first


def test_make_evals_measures_without_model_or_data() -> None:
    found = {str((task.metadata or {})["block"]) for task in tasks_of(None, model=False, n=1)}
    ours = {"rules-test", "audit-sample", "complaints-own-test", "replies-templates-own", "injection-own"}
    assert found == ours
    assert "replies-embedded-own-labelled" in {
        str((task.metadata or {})["block"]) for task in tasks_of(None, model=True, n=1)
    }


def test_results_and_readme_say_what_the_figures_say() -> None:
    known = figures.load_figures()
    assert known
    tables = {block: report.block_tables(block, measured) for block, measured in known.items()}
    for path, blocks in ((report.RESULTS, tables), (report.README, {"figures": report.readme_table(known)})):
        text = path.read_text("utf-8")
        assert report.filled(text, blocks, appends=False) == text


@pytest.fixture(scope="module")
def page(logs: Path) -> Iterator[Page]:
    """The page of the logs in headless Chromium."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None and not os.environ.get("CI"):
        pytest.skip("there is no Chromium on this machine (Debian: apt-get install chromium)")
    assert chromium, "CI has no Chromium: .ci/run installs it"
    from playwright.sync_api import sync_playwright

    from evals.page import page_of

    path = logs / "index.html"
    path.write_text(page_of(figures.read_logs(logs).values()), "utf-8")
    with sync_playwright() as driver:
        # No sandbox in a sandbox: root may not open one, and the page is our own.
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        opened = browser.new_page()
        opened.goto(path.as_uri())
        yield opened
        browser.close()


def test_the_page_filters_and_shows_a_case(page: Page) -> None:
    assert page.locator("#count").text_content() == "25 of 25 cases"
    page.select_option("select[name=block]", "replies-templates-own")
    assert page.locator("#list button").count() == 5
    page.locator("#list button").first.click()
    case = page.locator("#case").inner_text().lower()
    assert "replies-templates-own" in case
    assert "template" in case
    page.fill("input[name=says]", "no review says this")
    assert page.locator("#list button").count() == 0
    page.fill("input[name=says]", "")
    page.select_option("select[name=block]", "")
    page.select_option("select[name=rule]", "blame")
    assert 0 < page.locator("#list button").count() < 25
    page.select_option("select[name=rule]", "")


def test_the_page_shows_hostile_text_as_text(page: Page) -> None:
    page.fill("input[name=says]", "onerror")
    page.locator("#list button").first.click()
    shown = page.locator("#case .text").first.inner_text()
    assert "<script>document.title='owned'</script>" in shown
    assert "⟨U+202E⟩" in shown
    assert "⟨U+200B⟩" in shown
    assert page.title() == "calmreply evals: every case"
    assert page.locator("#case img").count() == 0


def test_the_page_asks_no_address_for_anything(logs: Path, page: Page) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.reload()
    assert [url for url in asked if not url.startswith("file:")] == []
    assert page.evaluate("fetch('http://127.0.0.1:9/').then(() => 'sent', () => 'refused')") == "refused"
