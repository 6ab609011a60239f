"""Rules of payslips: from what is known of a payee to gross pay, to net pay, to bytes that can be made again."""
