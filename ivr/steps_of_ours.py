"""Names of the steps that are put into a dialplan while a call goes on; no step of a dialplan begins with a star."""

NOTICE = "*emergency"
CALL_BACK = "*call-back"
BACK_IN_LINE = "*back-in-line"
HANDED_ON = "*handed-on"
FIRST_LEVEL = "*first-level"
