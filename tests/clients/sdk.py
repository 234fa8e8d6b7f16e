"""The checks of the Python libraries, in their order."""

# Each adds its checks as it is imported.
# pylint: disable=unused-import
import libraries.check_sign_in
import libraries.check_resources
import libraries.check_compute
import libraries.check_network
import libraries.check_jit
import libraries.check_paging
import libraries.check_graph
import libraries.check_async
import libraries.check_power
from check import main
from libraries import check

if __name__ == "__main__":
    main(check)
