# The protocol of the archive, searched through by Spin; then proof that the search can fail.
quick=$([ "$SW_QUICK" = 1 ] && echo --quick)
must tests/model/run build $quick
for name in $(tests/model/run list $quick); do
    case $name in
    sound.*) what="no promise is broken: $name" ;;
    events) what="everything that can happen in the model happened" ;;
    *) what="the broken protocol $name is found out" ;;
    esac
    check "$what" tests/model/run check "$name" $quick
done
