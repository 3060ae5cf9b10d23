"""The counts of ./check are only worth something when a failure cannot hide from them."""

import json
import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import tally  # noqa: E402


class TallyTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def text(self, text):
        return tally.of_text(self.write("log", text))

    def test_summary_lines(self):
        self.assertEqual(self.text("noise\n12 passed, 3 failed\n"), (12, 3, 0))
        self.assertEqual(self.text("e2e: 7 passed, 0 failed\ntrailing words\n"), (7, 0, 0))
        self.assertEqual(self.text("5 passed, 1 failed, 2 skipped"), (5, 1, 2))
        self.assertEqual(self.text("===== 1 failed, 4 passed, 2 skipped in 3.1s ====="), (4, 1, 2))
        self.assertEqual(self.text("Ran 9 tests in 0.1s\n\nOK (skipped=2)\n"), (7, 0, 2))
        self.assertEqual(self.text("Ran 9 tests in 0.1s\n\nFAILED (failures=1, errors=2)\n"), (6, 3, 0))
        self.assertEqual(self.text("nothing\n"), (0, 0, 0))

    def gtest(self, name, *results):
        cases = [{"result": "SKIPPED" if r == "s" else "COMPLETED", "status": "RUN", **({"failures": [{}]} if r == "f" else {})} for r in results]
        self.write(name + ".json", json.dumps({"testsuites": [{"testsuite": cases}]}))

    def junit(self, *statuses):
        cases = "".join(f'<testcase name="t{i}" status="{s}"/>' for i, s in enumerate(statuses))
        return self.write("junit.xml", f"<testsuite>{cases}</testsuite>")

    def test_cases_of_programs(self):
        self.gtest("a", "p", "p", "s")
        self.gtest("b", "p", "f")
        self.assertEqual(tally.of_ctest(self.junit("run", "fail"), self.folder), (3, 1, 1))

    def test_a_crash_counts(self):
        self.gtest("a", "p")
        self.assertEqual(tally.of_ctest(self.junit("run", "fail"), self.folder), (1, 1, 0))


if __name__ == "__main__":
    unittest.main()
