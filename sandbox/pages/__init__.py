"""The documentation's reference, made from the code, and what is checked of the built site.

One module a page; `reference` has them all. What a page says about a field, a state, an Event, a
metric or a setting stands in the code that has it, so that neither can say anything else.
"""
