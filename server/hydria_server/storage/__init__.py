"""Where bytes (packs) and rows (metadata) are kept: interfaces, and the backends behind them."""
