"""Write-off: what of an invoice is given up, as a discount, a fee, a difference or a bad debt."""
