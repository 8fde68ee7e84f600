"""What happens when the connection goes: the page says so, and returns without anybody doing anything."""
from conftest import SMALL
from waiting import until


def test_the_page_returns_by_itself_when_a_killed_server_is_started_again(browser, serve):
    server = serve(*SMALL)
    staying = browser.open(server.page()).await_state("live")
    other = browser.open_another(server.page()).await_state("live")
    server.kill()
    staying.await_state("reconnecting", 15)
    other.await_state("reconnecting", 15)
    serve(*SMALL, port=server.port)
    # The longest wait between two tries is 10 s.
    staying.await_state("live", 30)
    other.await_state("live", 30)
    staying.await_new_frames(30)
    other.await_new_frames(30)


def test_while_the_server_is_away_the_page_says_what_it_does(browser, serve):
    server = serve(*SMALL)
    viewer = browser.open(server.page()).await_state("live")
    assert server.interrupt() == 0
    viewer.await_state("reconnecting", 15)
    assert viewer.text("card-title") == "Reconnecting"
    assert viewer.text("card-text")
    until(lambda: "Attempt 3" in viewer.text("card-countdown"), 20, "a third attempt is told")
    assert viewer.text("state") == "reconnecting"
    assert viewer.text("card-retry") == "Try now"

    serve(*SMALL, port=server.port)
    viewer.ask("document.getElementById('card-retry')?.click()")
    viewer.await_state("live", 20)
    until(lambda: viewer.text("card-title") == "", 5, "the card has faded")


def test_another_tab_under_the_same_name_takes_over_and_can_be_taken_over(browser, small_world):
    first = browser.open(small_world.page(peer="one-name")).await_state("live")
    second = browser.open_another(small_world.page(peer="one-name")).await_state("live")
    first.await_state("replaced", 10)
    assert first.text("card-title") == "You are watching elsewhere"
    second.await_new_frames(60)
    assert first.state == "replaced", "a tab that was replaced must not fight for its place"
    first.element("card-retry").click()
    first.await_state("live")
    second.await_state("replaced", 10)
