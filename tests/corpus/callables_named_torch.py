"""Every callable of the corpus in PyTorch as a target of its own, and beside it its inputs.

The name is that of the case, with _ for all but letters and digits:

    gradtool check tests/corpus/callables_named_torch.py:cube_sign
"""

import re

from callables_torch import CASES

for _title, _case in CASES.items():
    _name = re.sub(r"\W+", "_", _title)
    globals()[_name], globals()[f"{_name}_inputs"] = _case.build()
