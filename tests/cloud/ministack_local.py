"""Launches MiniStack with the repairs of ministack_repairs/; its settings come by environment variables (launcher.py)."""

import ministack.app as app
import ministack_repairs

if __name__ == "__main__":
    ministack_repairs.install()
    app.main()
