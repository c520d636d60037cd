"""The page of the chart's values: the same tables that the chart's README.md has."""

from typing import Final

from sandbox import chart_readme
from sandbox.pages.markdown import head

_INTRODUCTION: Final = """
Of the chart in `charts/aks-access-operator`, whose README.md has the same tables. They are checked
against the chart's `values.schema.json`: a mistyped name or a wrong form ends `helm install` before
anything is sent.
"""


def page(*, values: str) -> str:
    """The page; `values` is the text of values.yaml."""
    source = "charts/aks-access-operator/values.yaml"
    tables = chart_readme.tables(values).rstrip().replace("\n### ", "\n## ")
    return head("Chart values", source=source) + _INTRODUCTION + tables + "\n"
