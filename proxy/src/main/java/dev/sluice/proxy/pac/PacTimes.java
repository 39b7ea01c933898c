package dev.sluice.proxy.pac;

import java.time.LocalTime;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** {@code weekdayRange}, {@code dateRange} and {@code timeRange}: from one moment to another, both included, in local time or in GMT. */
final class PacTimes {
    private static final List<String> DAYS = List.of("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT");
    private static final List<String> MONTHS =
            List.of("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC");

    private PacTimes() {}

    private static ZonedDateTime now(PacHost host, List<String> words) {
        boolean gmt = !words.isEmpty() && words.getLast().equalsIgnoreCase("GMT");
        return host.now(gmt ? ZoneOffset.UTC : ZoneId.systemDefault());
    }

    /** In capitals, without the mark for GMT. */
    private static List<String> values(List<String> words) {
        List<String> values = new ArrayList<>();
        for (String word : words) {
            if (!word.equalsIgnoreCase("GMT")) {
                values.add(word.toUpperCase(Locale.ROOT));
            }
        }
        return values;
    }

    /** Where the range begins after it ends, it goes round. */
    private static boolean within(long from, long is, long to) {
        return from <= to ? from <= is && is <= to : is >= from || is <= to;
    }

    static boolean weekdayRange(PacHost host, List<String> words) {
        List<String> values = values(words);
        if (values.isEmpty() || values.size() > 2) {
            return false;
        }
        int from = DAYS.indexOf(values.getFirst());
        int to = DAYS.indexOf(values.getLast());
        int is = now(host, words).getDayOfWeek().getValue() % 7;
        return from >= 0 && to >= 0 && within(from, is, to);
    }

    /** One value of a date: a day (1–31), a month, a year. */
    private enum Unit {
        DAY,
        MONTH,
        YEAR,
        NONE
    }

    private static Unit unit(String value) {
        if (MONTHS.contains(value)) {
            return Unit.MONTH;
        }
        if (!value.matches("[0-9]{1,4}")) {
            return Unit.NONE;
        }
        int number = Integer.parseInt(value);
        return number >= 1 && number <= 31 ? Unit.DAY : number >= 1000 ? Unit.YEAR : Unit.NONE;
    }

    /** One or two dates of the same units, which stand in the order day, month, year; what is not given is not compared. */
    static boolean dateRange(PacHost host, List<String> words) {
        List<String> values = values(words);
        int half = values.size() / 2;
        boolean single = values.size() == 1 || values.size() == 3 || isOneDate(values);
        List<String> from = single ? values : values.subList(0, half);
        List<String> to = single ? values : values.subList(half, values.size());
        List<Unit> units = from.stream().map(PacTimes::unit).toList();
        if (values.isEmpty()
                || units.contains(Unit.NONE)
                || !units.equals(to.stream().map(PacTimes::unit).toList())) {
            return false;
        }
        ZonedDateTime now = now(host, words);
        long is = 0;
        for (Unit unit : List.of(Unit.YEAR, Unit.MONTH, Unit.DAY)) {
            if (units.contains(unit)) {
                is = is * 100
                        + switch (unit) {
                            case YEAR -> now.getYear();
                            case MONTH -> now.getMonthValue() - 1;
                            case DAY, NONE -> now.getDayOfMonth();
                        };
            }
        }
        long begin = number(from, units);
        long end = number(to, units);
        return units.contains(Unit.YEAR) ? begin <= is && is <= end : within(begin, is, end);
    }

    /** Two values of different units, as in {@code dateRange(24, "DEC")}. */
    private static boolean isOneDate(List<String> values) {
        return values.size() == 2 && unit(values.get(0)) != unit(values.get(1));
    }

    private static long number(List<String> values, List<Unit> units) {
        long number = 0;
        for (Unit unit : List.of(Unit.YEAR, Unit.MONTH, Unit.DAY)) {
            int at = units.indexOf(unit);
            if (at >= 0) {
                String value = values.get(at);
                number = number * 100 + (unit == Unit.MONTH ? MONTHS.indexOf(value) : Integer.parseInt(value));
            }
        }
        return number;
    }

    /** (hour), (hour, hour), (hour, minute, hour, minute) or (hour, minute, second, hour, minute, second). */
    static boolean timeRange(PacHost host, List<String> words) {
        List<String> values = values(words);
        for (String value : values) {
            if (!value.matches("[0-9]{1,2}")) {
                return false;
            }
        }
        int[] numbers = values.stream().mapToInt(Integer::parseInt).toArray();
        LocalTime now = now(host, words).toLocalTime();
        return switch (numbers.length) {
            case 1 -> now.getHour() == numbers[0];
            case 2 -> within(numbers[0] * 3600L, now.toSecondOfDay(), numbers[1] * 3600L);
            case 4 ->
                within(
                        numbers[0] * 3600L + numbers[1] * 60L,
                        now.toSecondOfDay(),
                        numbers[2] * 3600L + numbers[3] * 60L);
            case 6 ->
                within(
                        numbers[0] * 3600L + numbers[1] * 60L + numbers[2],
                        now.toSecondOfDay(),
                        numbers[3] * 3600L + numbers[4] * 60L + numbers[5]);
            default -> false;
        };
    }
}
