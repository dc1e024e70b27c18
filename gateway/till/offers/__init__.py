"""Offers at the till: the rules of feed `promotions`, the price of the open sale, members, coupons, prompts."""
