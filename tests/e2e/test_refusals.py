"""What the page says when the server, or the page itself, refuses."""
from selenium.webdriver.common.by import By


def test_an_unknown_campaign_is_told_and_the_known_ones_are_linked(browser, small_world):
    viewer = browser.open(small_world.page(campaign="nowhere")).await_state("refused", 10)
    assert viewer.text("card-title") == "There is no such campaign here"
    assert "nowhere" in viewer.text("card-text")
    links = viewer.element("card-campaigns").find_elements(By.TAG_NAME, "a")
    assert [link.text for link in links] == ["campaign 0"]
    links[0].click()
    viewer.await_state("live")


def test_an_id_that_can_not_be_one_is_told_without_asking_the_server(browser, small_world):
    viewer = browser.open(small_world.page(campaign="a%20b")).await_state("refused", 10)
    assert viewer.text("card-title") == "That address does not work"
    assert "“a b”" in viewer.text("card-text")


def test_nothing_in_the_address_becomes_part_of_the_page(browser, small_world):
    viewer = browser.open(small_world.page(campaign="%3Cimg%20src%3Dx%3E")).await_state("refused", 10)
    assert "<img src=x>" in viewer.text("card-text")
    assert viewer.driver.find_elements(By.TAG_NAME, "img") == []
