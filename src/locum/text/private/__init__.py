"""Private text: what is learnt from private texts is paid for on the ledger."""
