"""The checks of the Azure CLI, in their order: those that only read come first."""

import shutil

# Each adds its checks as it is imported.
# pylint: disable=unused-import
import az.check_sign_in
import az.check_compute
import az.check_network
import az.check_resources
import az.check_graph
import az.check_jit
import az.check_power
from az import check, home
from check import main

if __name__ == "__main__":
    try:
        main(check, side_by_side=2)
    finally:
        shutil.rmtree(home, ignore_errors=True)
