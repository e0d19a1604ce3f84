for rule in layers sizes banned exports mirror reasons docs cformat; do
    check "$rule" python "tests/tidy/$rule.py"
done
run_pytest tests/tidy tests/support
