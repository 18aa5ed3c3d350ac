import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import org.opensearch.common.settings.Settings;
import org.opensearch.painless.PainlessPlugin;
import org.opensearch.script.DerivedFieldScript;

/** Compiles the script on standard input as that of a computed field; says on standard output what is wrong. */
class Painless {
    public static void main(String[] arguments) throws Exception {
        String script = new String(System.in.readAllBytes(), StandardCharsets.UTF_8);
        var context = DerivedFieldScript.CONTEXT;
        try {
            new PainlessPlugin().getScriptEngine(Settings.EMPTY, List.of(context)).compile("field", script, context, Map.of());
        } catch (Exception wrong) {
            System.out.println(wrong);
        }
    }
}
