"""Charts: data → plotly figure. Pure, and the only importer of plotly.

A figure names colours by design token (`var(--ink)`); the browser puts in those of the theme it shows.
"""
