import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from fakes import GOOD, REVIEW, FixedClassifier, ceramics

from calmreply import (
    InputError,
    ModelAnswer,
    ModelAuthError,
    ModelRequest,
    ModelServerError,
    Replier,
    Reply,
    Review,
    Settings,
    Shop,
    Source,
)
from calmreply.planning import Order
from calmreply.testing import AsyncScriptedModel, ScriptedModel


def replier(model: Any, **options: Any) -> Replier:
    return Replier(ceramics(), model, **{"classifier": FixedClassifier(), **options})


@pytest.mark.parametrize("kind", [ScriptedModel, AsyncScriptedModel])
def test_every_way_in_gives_the_same_reply(kind: type[ScriptedModel]) -> None:
    with replier(kind([GOOD, GOOD, GOOD])) as each:
        plain = each.reply(REVIEW)

        async def asynchronous() -> None:
            assert (await each.areply(REVIEW)).text == plain.text
            # As in a notebook: a sync call inside a running loop.
            assert each.reply(REVIEW).text == plain.text

        asyncio.run(asynchronous())
    assert plain.text == GOOD


def test_reading_and_planning_have_async_twins() -> None:
    each = replier(ScriptedModel())
    assert asyncio.run(each.aclassify(REVIEW)) == each.classify(REVIEW)
    assert asyncio.run(each.aplan(REVIEW)) == each.plan(REVIEW)
    assert each.plan(REVIEW, platform="shopee").channel is not None


def test_a_text_alone_is_a_review() -> None:
    assert replier(ScriptedModel([GOOD])).reply("The mug arrived cracked in two.").plan.name is None
    with pytest.raises(InputError, match="Review"):
        replier(ScriptedModel()).reply(3)  # type: ignore[arg-type]


def test_many_threads_share_one_replier() -> None:
    class Model:
        def complete(self, request: ModelRequest) -> ModelAnswer:
            return ModelAnswer(text=GOOD, prompt_tokens=1, completion_tokens=1)

    each = replier(Model())
    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(lambda _: each.reply(REVIEW), range(40)))
    assert {one.text for one in replies} == {GOOD}
    assert each.spending.usage.requests == 40


def test_many_tasks_share_one_replier() -> None:
    each = replier(AsyncScriptedModel([GOOD] * 20))

    async def everything() -> set[str]:
        return {one.text for one in await asyncio.gather(*(each.areply(REVIEW) for _ in range(20)))}

    assert asyncio.run(everything()) == {GOOD}


@pytest.mark.parametrize("is_async", [True, False])
def test_an_order_look_up_may_be_plain_or_async(is_async: bool) -> None:  # noqa: FBT001
    order = Order(found=True, id="CH1", facts=("the parcel left on 3 May",))

    async def alook(_: Review) -> Order:
        return order

    shop = ceramics(
        remedies={"damaged": {"action": "replacement", "within": "24 hours", "needs_order": True}}
    )
    each = Replier(
        shop, client=False, orders=alook if is_async else lambda _: order, classifier=FixedClassifier()
    )
    assert each.plan(REVIEW).facts == order.facts
    assert asyncio.run(each.aplan(REVIEW)).remedy == each.plan(REVIEW).remedy
    each.close()


def test_without_the_order_it_is_asked_for() -> None:
    shop = ceramics(
        remedies={"damaged": {"action": "replacement", "within": "24 hours", "needs_order": True}}
    )
    reply = Replier(shop, client=False, classifier=FixedClassifier()).reply(REVIEW)
    assert reply.plan.asks_order
    assert reply.publishable
    assert "replacement" not in reply.text


def test_closing_leaves_no_thread_and_no_strange_client_closed() -> None:
    class Model(AsyncScriptedModel):
        closed = False

        def close(self) -> None:
            self.closed = True

    model = Model([GOOD])
    with replier(model) as each:
        each.reply(REVIEW)
    assert not [thread for thread in threading.enumerate() if thread.name == "calmreply-async"]
    assert not model.closed

    async def asynchronous() -> None:
        async with replier(AsyncScriptedModel([GOOD])) as other:
            await other.areply(REVIEW)

    asyncio.run(asynchronous())


def test_templates_alone_say_so() -> None:
    each = Replier(ceramics(), client=False, classifier=FixedClassifier())
    assert not each.has_model
    assert each.reply(REVIEW).source is Source.TEMPLATE


def test_the_same_review_gets_the_same_template() -> None:
    one, other = (Replier(ceramics(), client=False, classifier=FixedClassifier()) for _ in range(2))
    assert one.reply(REVIEW).text == other.reply(REVIEW).text
    texts = {one.reply(REVIEW.model_copy(update={"id": str(number)})).text for number in range(30)}
    assert len(texts) >= 4


def test_a_bug_in_the_callers_model_is_not_hidden() -> None:
    class Broken:
        def complete(self, request: ModelRequest) -> ModelAnswer:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        replier(Broken()).reply(REVIEW)
    with pytest.raises(ZeroDivisionError):
        asyncio.run(replier(Broken()).areply(REVIEW))


def test_a_model_that_gives_no_answer_object_is_told_so() -> None:
    class Plain:
        def complete(self, request: ModelRequest) -> Any:
            return GOOD

    with pytest.raises(InputError, match="ModelAnswer"):
        replier(Plain()).reply(REVIEW)


def test_an_endless_answer_costs_no_time() -> None:
    reply = replier(ScriptedModel(["thank you so " * 400_000] * 2)).reply(REVIEW)
    assert reply.source is Source.TEMPLATE


def test_nothing_of_the_review_is_in_a_repr() -> None:
    reply = replier(ScriptedModel([GOOD])).reply(REVIEW)
    assert "arrived cracked" not in repr(REVIEW)
    assert "arrived cracked" not in repr(reply.classification)


def test_a_hosted_model_sees_no_private_data() -> None:
    model = ScriptedModel([GOOD])
    review = Review(
        text="The mug arrived cracked in two. Call me on 0912 345 678 or a@b.vn.", author="Anna Smith"
    )
    replier(model).reply(review)
    sent = "\n".join(message.content for message in model.requests[0].messages)
    assert "0912 345 678" not in sent
    assert "a@b.vn" not in sent
    open_model = ScriptedModel([GOOD])
    replier(open_model, settings=Settings(mask_private_data=False)).reply(review)
    assert "0912 345 678" in "\n".join(message.content for message in open_model.requests[0].messages)


def test_a_client_of_no_kind_is_refused() -> None:
    with pytest.raises(InputError, match="OpenAI"):
        Replier(ceramics(), object())


def test_a_shop_needs_only_a_name() -> None:
    reply = Replier(Shop(name="Gốm Mây"), client=False).reply("Bát giao tới bị mẻ một góc, thất vọng quá")
    assert reply.language == "vi"
    assert not [one for one in reply.reasons if one.startswith("rule")]


def test_a_reply_goes_on_from_answers_that_came_elsewhere() -> None:
    model = ScriptedModel()
    each = replier(model, orders=lambda _: Order(found=True), settings=Settings(classify_with_model="unsure"))
    first = each.replayed(REVIEW, [])
    assert isinstance(first, ModelRequest)
    second = each.replayed(REVIEW, [ModelAnswer(text="It was the courier's fault.")])
    assert isinstance(second, ModelRequest)
    assert len(second.messages) == len(first.messages) + 2
    third = each.replayed(REVIEW, [ModelAnswer(text="It was the courier's fault."), ModelAnswer(text=GOOD)])
    assert isinstance(third, Reply)
    assert (third.text, len(third.attempts)) == (GOOD, 2)
    assert not model.requests


def test_an_answer_that_will_not_come_is_an_error_among_the_answers() -> None:
    reply = replier(ScriptedModel()).replayed(REVIEW, [ModelServerError("never")])
    assert isinstance(reply, Reply)
    assert reply.source is Source.TEMPLATE
    with pytest.raises(ModelAuthError):
        replier(ScriptedModel()).replayed(REVIEW, [ModelAuthError("never")])
