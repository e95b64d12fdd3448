"""The page: a config's or a study's results in one HTML file that can be sent.

`section` reads a study's part of the page off its tables; `page` shows all parts by
`template.html` and `style.css`.
"""
