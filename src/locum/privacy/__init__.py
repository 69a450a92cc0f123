"""The trusted core: noise, accounting and the ledger. The only place that may touch private counts."""
