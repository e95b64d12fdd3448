"""The page: a config's or a study's results in one HTML file that can be sent.

`section` reads what is shown of a study off its tables; `template.html`, `style.css`
and `script.js` show it.
"""
