"""The ledger of obligations: who must do what, who did, who is late, and whether anything is left in force."""
