"""Where mail comes from and drafts go: one port, one module per kind of mailbox."""
