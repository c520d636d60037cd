"""A cluster that is already there, lent to the demo and left as it was.

`kubeconfig` pins one context, `cluster` talks to it, `inventory` says what the demo makes there,
`preflight` refuses before anything is touched, `claim` makes it, `watches` sees what the operator
writes, `removal` takes away what was made and nothing else, `site` puts these together.
"""
