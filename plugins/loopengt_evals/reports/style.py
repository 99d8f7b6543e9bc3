"""The style of the page."""

from __future__ import annotations

__all__ = ["STYLE"]

STYLE = """
:root{color-scheme:light dark;--bg:#fff;--fg:#1b1f24;--soft:#5b6570;--line:#d8dee4;--card:#f6f8fa;--good:#1a7f37;
--bad:#cf222e;--odd:#9a6700;--main:#0969da;--wash:#b6d8ff}
@media (prefers-color-scheme:dark){:root{--bg:#0d1117;--fg:#e6edf3;--soft:#9aa5b1;--line:#30363d;--card:#161b22;
--good:#3fb950;--bad:#f85149;--odd:#d29922;--main:#58a6ff;--wash:#1f4a7c}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--fg);font:15px/1.5 system-ui,sans-serif}
main{max-width:960px;margin:0 auto;padding:20px 16px 60px}
h1{font-size:1.5em;margin:0;overflow-wrap:anywhere}h2{font-size:1.1em;margin:32px 0 10px}
p{margin:6px 0;overflow-wrap:anywhere}.soft{color:var(--soft)}.small{font-size:.87em}
.cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(260px,1fr));gap:12px}
.card{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:12px;min-width:0}
.card h3{margin:0;font-size:.87em;font-weight:600;color:var(--soft);overflow-wrap:anywhere}
.big{font-size:1.5em;font-weight:600}
.verdict{border-left:4px solid var(--soft);padding:8px 14px;background:var(--card);margin:16px 0}
.verdict.worse{border-color:var(--bad)}.verdict.better{border-color:var(--good)}
.plot{width:100%;height:auto;display:block;margin-top:6px}
.axis{stroke:var(--line)}.zero{stroke:var(--soft);stroke-dasharray:3 3}.tick{fill:var(--soft);font-size:11px}
.range{fill:var(--wash)}.point{fill:var(--main)}.dot{fill:var(--main);opacity:.45}
.point.worse{fill:var(--bad)}.point.better{fill:var(--good)}
.scroll{overflow-x:auto}table{border-collapse:collapse;width:100%}
th,td{text-align:left;padding:6px 8px;border-bottom:1px solid var(--line);vertical-align:top;overflow-wrap:anywhere}
th{color:var(--soft);font-weight:600;font-size:.87em}td.id{min-width:110px}
th,.count{white-space:nowrap}
.dots b{margin-right:2px;font-weight:600}.passed{color:var(--good)}.failed{color:var(--bad)}
.error{color:var(--odd)}.open{color:var(--soft)}
details{margin:2px 0}summary{cursor:pointer}
pre{white-space:pre-wrap;overflow-wrap:anywhere;margin:6px 0;padding:8px;background:var(--bg);
border:1px solid var(--line);border-radius:6px;font-size:.87em}
"""
"""CSS without any reference to something outside of the page."""
