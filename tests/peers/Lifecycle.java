import java.util.List;
import org.elasticsearch.cluster.metadata.ComposableIndexTemplate;
import org.elasticsearch.core.TimeValue;
import org.elasticsearch.xcontent.NamedXContentRegistry;
import org.elasticsearch.xcontent.ParseField;
import org.elasticsearch.xcontent.XContentParser;
import org.elasticsearch.xcontent.XContentParserConfiguration;
import org.elasticsearch.xcontent.json.JsonXContent;
import org.elasticsearch.xpack.core.ilm.DeleteAction;
import org.elasticsearch.xpack.core.ilm.LifecycleAction;
import org.elasticsearch.xpack.core.ilm.LifecyclePolicy;
import org.elasticsearch.xpack.core.ilm.LifecycleType;
import org.elasticsearch.xpack.core.ilm.Phase;
import org.elasticsearch.xpack.core.ilm.RolloverAction;
import org.elasticsearch.xpack.core.ilm.Step;
import org.elasticsearch.xpack.core.ilm.TimeseriesLifecycleType;
import org.elasticsearch.xpack.core.ilm.action.PutLifecycleRequest;

/** Reads from standard input what is sent to Elasticsearch, as it does, and says what it will do: policy NAME, or template. */
class Lifecycle {
    public static void main(String[] arguments) throws Exception {
        try (XContentParser parser = JsonXContent.jsonXContent.createParser(configuration(), System.in)) {
            if (arguments[0].equals("policy")) {
                policy(arguments[1], parser);
            } else {
                template(parser);
            }
        } catch (Exception wrong) {
            Throwable cause = wrong.getCause() == null ? wrong : wrong.getCause();
            System.out.println("refused: " + cause.getMessage());
        }
    }

    /** The steps in their order, each with the age at which its phase begins. */
    private static void policy(String name, XContentParser parser) {
        PutLifecycleRequest request = PutLifecycleRequest.parseRequest(new Named(name), parser);
        LifecyclePolicy policy = request.getPolicy();
        LifecyclePolicy.validatePolicyName(name);
        policy.validate();
        for (Step step : policy.toSteps(null, null)) {
            Phase phase = policy.getPhases().get(step.getKey().phase());
            String age = phase == null ? "new" : phase.getMinimumAge().getStringRep();
            System.out.println(age + " " + step.getKey().phase() + " " + step.getKey().action() + " " + step.getKey().name());
        }
    }

    private static void template(XContentParser parser) throws Exception {
        ComposableIndexTemplate template = ComposableIndexTemplate.parse(parser);
        TimeValue kept = template.template().lifecycle().toDataStreamLifecycle().dataRetention();
        System.out.println((template.getDataStreamTemplate() == null ? "index" : "data stream") + " " + kept.getStringRep());
    }

    private static XContentParserConfiguration configuration() {
        return XContentParserConfiguration.EMPTY.withRegistry(new NamedXContentRegistry(List.of(
            new NamedXContentRegistry.Entry(
                LifecycleType.class, new ParseField(TimeseriesLifecycleType.TYPE), ignored -> TimeseriesLifecycleType.INSTANCE),
            new NamedXContentRegistry.Entry(LifecycleAction.class, new ParseField(DeleteAction.NAME), DeleteAction::parse),
            new NamedXContentRegistry.Entry(LifecycleAction.class, new ParseField(RolloverAction.NAME), RolloverAction::parse))));
    }

    private record Named(String name) implements PutLifecycleRequest.Factory {
        @Override
        public String getPolicyName() {
            return name;
        }

        @Override
        public PutLifecycleRequest create(LifecyclePolicy policy) {
            return new PutLifecycleRequest(TimeValue.ZERO, TimeValue.ZERO, policy);
        }
    }
}
