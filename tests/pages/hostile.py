"""Texts that try to get out of their place in a page."""

SCRIPT = "<script>document.title = 'broken'</script>"
STRINGS = (
    SCRIPT,
    '"><img src=x onerror="document.title = \'broken\'">',
    "'><svg onload=\"document.title = 'broken'\">",
    "</style><script>document.title = 'broken'</script>",
    "</script><script>document.title = 'broken'</script>",
    "</title><script>document.title = 'broken'</script>",
    "--><script>document.title = 'broken'</script>",
    "]]><script>document.title = 'broken'</script>",
    "{{ 7 * 7 }}{% raw %}",
    "javascript:document.title='broken'",
    "a\0b\u202e\x1b[31m\r\nc",
    "\ud800",
    "$x$ \\frac{1}{2} _^",
    "&lt;b&gt; &amp;#60;",
)
