"""How an open sale is paid, and how money goes back: cash, card, wallet, points, coupons and vouchers, in any order."""
