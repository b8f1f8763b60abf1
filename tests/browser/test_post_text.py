"""The composer's script counts what the server counts: one file of examples for both."""

import json
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.sharing.networks.posting.conftest import VECTORS

SCRIPT = Path("sharing/static/sharing/post_text.js")

RUN = """async ([source, examples]) => {
  const address = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  const { measure, links } = await import(address);
  const wrong = [];
  for (const each of examples.texts) {
    const found = measure(each.text, examples.rules[each.rule], each.warning);
    if (found.units !== each.units || found.fits !== each.fits)
      wrong.push(`${each.rule}: ${each.name}: ${found.units}, ${found.fits}`);
  }
  return { wrong, count: examples.texts.length, places: links("é https://h.example/a. 🧂") };
}"""


@pytest.mark.browser
def test_the_script_counts_every_example_as_the_server_does(browser: Browser) -> None:
    page = browser.new_page()
    said = page.evaluate(RUN, [SCRIPT.read_text(), json.loads(VECTORS.read_text())])
    page.close()
    assert said["wrong"] == []
    assert said["count"] > 50
    assert said["places"] == [[2, 21]]
