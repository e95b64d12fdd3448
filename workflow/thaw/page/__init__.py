"""The page: a config's or a study's results in one HTML file that can be sent.

`section` reads a study's part of the page off its tables; `template.html`, `style.css`
and `script.js` show it.
"""
